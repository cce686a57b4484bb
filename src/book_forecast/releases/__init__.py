"""Releases: what training hands to everything that forecasts.

payload   the files of a release: what is in them, reading and checking them
answers   forecasts of single titles out of a payload, without any model library
"""
