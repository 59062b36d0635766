"""The console of the middle office: pages, rendered here, that work without anything from outside."""
