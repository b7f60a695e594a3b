// The room MartletC.
