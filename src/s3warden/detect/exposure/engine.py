"""The one question to the engine: who can reach this bucket, with proof.

Takes `ExposureInputs`, hands on an `Exposure`. Pure: no I/O, no clock, and no input makes it raise.
"""

from s3warden.detect.exposure.inputs import ExposureInputs
from s3warden.detect.exposure.layers import lay
from s3warden.detect.exposure.survey import find
from s3warden.detect.exposure.verdict import Exposure


def analyse(inputs: ExposureInputs) -> Exposure:
    """Who can reach the bucket. The meaning of each field of the verdict is in docs/exposure.md."""
    return lay(inputs, find(inputs))
