// The room MartletIPC.
