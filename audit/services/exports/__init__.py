"""Exports: asked for, written by workers, handed out, deleted when their time is over."""
