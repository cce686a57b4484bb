"""The HTTP service: forecasts of a release, without any model library.

settings    what it is told by environment and command line
source      where the release to be served lies, by a folder, a store or a registry
current     the release that is served now
watch       notices another release and swaps
predict     what a request is answered, the same everywhere it is asked
app         the routes; books, page and function are beside it

It imports neither Kedro nor MLflow nor pandas, so that it is ready at once and stays small.
"""
