"""Fashion-MNIST: found, parsed, loaded, augmented."""
