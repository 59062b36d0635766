"""Files that want to do harm, made by code, and what loading them does to a running service."""
