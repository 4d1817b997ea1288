"""A report on image classification, reproduced: data, augmentation, models, training, answer."""
