"""Routes: what each address answers, and its bodies for the OpenAPI document."""
