from support.model_fixtures import make_images, make_model, make_noise

__all__ = ["make_images", "make_model", "make_noise"]
