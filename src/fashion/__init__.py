"""Fashion-MNIST Clothing Classification, reproduced: data, augmentation, models, training, report."""
