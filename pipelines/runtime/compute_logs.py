"""Where what runs print is kept: in the state folder, or beside a lake in a bucket."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import StringSource
from dagster._config import UserConfigSchema
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClassData

from storage.lake.s3 import bucket_of, is_bucket

FOLDER = "compute_logs"


class LakeComputeLogs(LocalComputeLogManager):
    """Class that `dagster.yaml` names, since it cannot choose one itself: Dagster's local logs, or its logs on S3.

    Those on S3 take keys and endpoint from the AWS_* variables, as boto3 does; `make env` prints them.
    """

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {"base_dir": StringSource, "lake_uri": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Any:
        base_dir, lake_uri = config_value["base_dir"], config_value["lake_uri"]
        if not is_bucket(lake_uri):
            return LocalComputeLogManager(base_dir, inst_data=inst_data)
        from dagster_aws.s3 import S3ComputeLogManager

        bucket, prefix = bucket_of(lake_uri)
        return S3ComputeLogManager(
            bucket,
            local_dir=str(Path(base_dir) / "s3"),
            prefix=f"{prefix}/{FOLDER}",
            skip_empty_files=True,
            inst_data=inst_data,
        )
