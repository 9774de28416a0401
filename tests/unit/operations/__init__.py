"""The commands for operators, against an account of AWS whose every answer a test gives."""
