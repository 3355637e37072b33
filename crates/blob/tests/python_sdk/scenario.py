"""What a user of Azure's SDK does with signed URLs: upload in blocks, read back, meet the limits."""

import datetime
import os
import sys

from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob import BlobClient, BlobSasPermissions, ContentSettings, generate_blob_sas
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

upload_url, read_url, origin, key = sys.argv[1:]
sizes = dict(max_single_put_size=1 << 20, max_block_size=256 << 10)
patient = dict(retry_total=0)
data = os.urandom(3_333_333)


def refused(status, code, call):
    try:
        call()
    except HttpResponseError as error:
        assert error.status_code == status, (error.status_code, error.message)
        assert error.error_code == code, error.error_code
        return
    raise AssertionError(f"not refused with {code}")


# In blocks, to the URL alone.
writer = BlobClient.from_blob_url(upload_url, **sizes, **patient)
writer.upload_blob(data, max_concurrency=4, content_settings=ContentSettings(content_type="audio/flac"))
reader = BlobClient.from_blob_url(read_url, max_single_get_size=1 << 20, max_chunk_get_size=256 << 10, **patient)
assert reader.download_blob(max_concurrency=4).readall() == data
properties = reader.get_blob_properties()
assert properties.size == len(data) and properties.content_settings.content_type == "audio/flac"
committed, uncommitted = reader.get_block_list("all")
assert sum(block.size for block in committed) == len(data) and not uncommitted

# Overwriting is asked for, and the limit in the URL has come through the SDK.
try:
    writer.upload_blob(data)
    raise AssertionError("overwritten without asking")
except ResourceExistsError:
    pass
writer.upload_blob(data, overwrite=True, max_concurrency=4, validate_content=True)
refused(413, "RequestBodyTooLarge", lambda: writer.upload_blob(os.urandom(5_000_001), overwrite=True))
for name, call in {"read": writer.download_blob, "delete": writer.delete_blob, "list": writer.get_block_list}.items():
    refused(403, "AuthorizationPermissionMismatch", call)
refused(403, "AuthorizationPermissionMismatch", lambda: reader.upload_blob(b"x", overwrite=True))


# A SAS that the SDK makes with our key.
def client(name, permission, minutes=10, **more):
    expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    sas = generate_blob_sas("segue", "songs", name, account_key=key, permission=permission, expiry=expiry, **more)
    return BlobClient(f"{origin}/segue", "songs", name, credential=sas, **sizes, **patient)


everything = BlobSasPermissions(read=True, write=True, create=True, delete=True)
own = client("originals/song/own", everything)
for body in (b"", b"small", data):
    own.upload_blob(body, overwrite=True, max_concurrency=4)
    assert own.download_blob().readall() == body
assert own.download_blob(offset=10, length=20).readall() == data[10:30]
own.upload_blob(iter([b"a" * 300_000, b"b" * 300_000]), overwrite=True)
assert own.get_blob_properties().size == 600_000
create = client("originals/song/own", BlobSasPermissions(create=True))
refused(403, "UnauthorizedBlobOverwrite", lambda: create.upload_blob(b"x", overwrite=True))
refused(403, "AuthenticationFailed", client("originals/song/own", everything, minutes=-1).download_blob)
later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=6)
refused(403, "AuthenticationFailed", client("originals/song/own", everything, start=later).download_blob)
soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=4)
assert client("originals/song/own", everything, start=soon).exists()
expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=10)
sas = generate_container_sas("segue", "songs", account_key=key, permission=ContainerSasPermissions(read=True), expiry=expiry)
container = BlobClient(f"{origin}/segue", "songs", "originals/song/own", credential=sas, **patient)
assert len(container.download_blob().readall()) == 600_000
own.delete_blob()
assert not own.exists()
