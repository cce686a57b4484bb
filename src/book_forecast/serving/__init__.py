"""The HTTP service: forecasts of a release, without any model library.

settings    environment variables and command line
source      finds the release to serve: one folder, or the champion of a store
loader      reads a payload in a process of its own
current     the release that is served
watch       notices another release and swaps
predict     request in, predictions out; the same for HTTP, Vertex AI and the function
app         the application; routes, books and page have its endpoints

It imports neither Kedro nor MLflow nor pandas, so it starts fast and needs little memory.
"""
