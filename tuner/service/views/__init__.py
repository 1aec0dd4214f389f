"""Views: studies, trials and models as the answers of the API."""
