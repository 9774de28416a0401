"""What is put on the path of an emulated Lambda environment, beside the built package."""
