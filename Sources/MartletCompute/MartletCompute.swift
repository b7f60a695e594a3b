// The room MartletCompute.
