"""The pages of the service: shells, the scripts that fill them from the API, and their look."""
