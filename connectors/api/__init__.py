"""The API for the bank's own programs: JSON over HTTP, scoped by the token of a member."""
