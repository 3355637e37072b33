"""What a user of Azure's SDK does with URLs and a container SAS that our engine signed for a real account."""

import os
import sys

from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob import BlobClient, ContentSettings

upload_url, read_url, endpoint, container, name, container_sas = sys.argv[1:]
sizes = dict(max_single_put_size=1 << 20, max_block_size=256 << 10)
patient = dict(retry_total=0)
data = os.urandom(3_333_333)


def refused(code, call):
    try:
        call()
    except HttpResponseError as error:
        assert (error.status_code, error.error_code) == (403, code), (error.status_code, error.message)
        return
    raise AssertionError(f"not refused with {code}")


writer = BlobClient.from_blob_url(upload_url, **sizes, **patient)
writer.upload_blob(data, max_concurrency=4, content_settings=ContentSettings(content_type="audio/flac"))
try:
    writer.upload_blob(data)
    raise AssertionError("overwritten without asking")
except ResourceExistsError:
    pass
writer.upload_blob(data, overwrite=True, max_concurrency=4, validate_content=True)
for call in (writer.download_blob, writer.delete_blob, writer.get_block_list):
    refused("AuthorizationPermissionMismatch", call)

reader = BlobClient.from_blob_url(read_url, max_single_get_size=1 << 20, max_chunk_get_size=256 << 10, **patient)
assert reader.download_blob(max_concurrency=4).readall() == data
assert reader.get_blob_properties().size == len(data)
refused("AuthorizationPermissionMismatch", lambda: reader.upload_blob(b"x", overwrite=True))

edge = BlobClient(endpoint, container, name, credential=container_sas, **patient)
assert edge.download_blob(offset=10, length=20).readall() == data[10:30]
refused("AuthorizationPermissionMismatch", lambda: edge.upload_blob(b"x", overwrite=True))
refused("AuthorizationPermissionMismatch", edge.delete_blob)
