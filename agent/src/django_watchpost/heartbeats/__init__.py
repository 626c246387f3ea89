"""What scheduled work says of itself: that it begins, and how it ended.

``run.heartbeat`` is what applications use, ``line`` sends in the background, ``wire`` speaks HTTP.
"""
