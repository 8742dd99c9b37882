"""A plan as a picture."""

from carbonscaling.exchange.picture.plan import plan_picture

__all__ = ["plan_picture"]
