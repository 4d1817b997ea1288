"""Fashion-MNIST: download, parsing, loading, augmentation."""
