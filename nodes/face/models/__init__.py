"""UniLS: one model that speaks and listens with the face."""
