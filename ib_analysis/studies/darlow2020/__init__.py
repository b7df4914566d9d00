"""What information does a ResNet compress (Darlow & Storkey 2020), judged over the measured networks."""
