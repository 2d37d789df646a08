"""From a seed to a plan, from a plan to shards."""
