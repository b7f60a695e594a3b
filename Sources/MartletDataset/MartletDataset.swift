// The room MartletDataset.
