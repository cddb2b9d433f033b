"""Other SMS services' HTTP APIs, so that their clients send through the phones of this one.

One folder or file each: tables of the vendor's words, shapes, thin views. No rule stands here: what
may be sent, when and how much is `messaging`'s to say (ADDING.md).
"""
