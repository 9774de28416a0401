"""End to end: deployed by sam on the emulator, seen only from outside."""
