"""What an operator runs against an account: a look before the first deployment, a proof after it, and the way out."""
