// The room MartletCodecs.
