"""Evaluation: metrics with intervals, calibration, explanation, reports. Everything is a function of one table."""
