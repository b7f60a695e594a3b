// The room MartletIO.
