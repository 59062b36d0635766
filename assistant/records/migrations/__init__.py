"""The one history of the schema, for knowledge and records alike. Forward only."""
