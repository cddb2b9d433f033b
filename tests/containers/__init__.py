"""The image and docker-compose.yml, really run, and other Debians than this machine's: in containers.

`make containers` and `make fresh-machines`. Base images cannot be fetched where the project is tested:
images/ makes stand-ins for them from Debian's packages and from our own wheels' binaries.
"""
