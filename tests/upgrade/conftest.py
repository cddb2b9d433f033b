from tests.smsgate.conftest import data_dir

__all__ = ["data_dir"]
