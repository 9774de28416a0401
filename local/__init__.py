"""The whole stack on this machine: an emulator of AWS, a demo classroom server, and one class run through them."""
