"""From config.yaml to the runs of a study, their specs, and the digests of the code that they run; without torch."""
