"""StatisticsGen and ExampleValidator for several spans at once."""
