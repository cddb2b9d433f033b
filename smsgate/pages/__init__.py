"""Pages for a browser, and the document of the API."""
