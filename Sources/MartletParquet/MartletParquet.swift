// The room MartletParquet.
