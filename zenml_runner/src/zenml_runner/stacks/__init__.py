"""Registers ZenML stacks and checks that they answer; Vertex AI with retries."""
