"""PixelCNN++ (Salimans et al. 2017), vendored: written here, complete in this folder."""
