"""A process for what needs torch or plotly, which the server never loads."""
