"""Estimates that simulations start from: means, covariances, correlations, forward drifts."""
