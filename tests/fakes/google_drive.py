"""A server that plays Google Drive v3 for one account, with the OAuth that leads to it.

No description of Drive lies with the others, so requests are held against what its reference says
(https://developers.google.com/workspace/drive/api/reference/rest/v3 and .../guides/manage-uploads,
read 2026-11-21), written down in `QUERY` and `WRITABLE`; what does not fit stands in `mistakes`.
Ids made ahead hold an upload to once (409 the second time); a share of the same person is one grant,
and mail goes to them each time: `mails` tells.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.fakes.google_server import OWNER, Body, G, GoogleServer, Refused, read_json, related
from tests.fakes.google_shelf import FIELDS, FOLDER, GRANT, ROLES, File, Shelf, chosen, grant_id

HOST = "https://www.googleapis.com"
SMALL, CHUNK, EXPORT = 5 * 2**20, 256 * 2**10, 10 * 2**20
"""Bytes of the largest upload in one piece, of what a chunk is a multiple of, of an export."""
FULL, MINE, READ = f"{G}drive", f"{G}drive.file", f"{G}drive.readonly"
_READERS, _WRITERS = (FULL, MINE, READ), (FULL, MINE)
_DRIVES = {"supportsAllDrives"}
_COMMON = {"fields", "alt", "prettyPrint", "quotaUser"}
QUERY = {
    "_list": {"q", "pageSize", "pageToken", "orderBy", "corpora", "driveId", "spaces"}
    | {"includeItemsFromAllDrives", "includeLabels", *_DRIVES},
    "_ids": {"count", "space", "type"},
    "_one": {"acknowledgeAbuse", *_DRIVES},
    "_export": {"mimeType"},
    "_create": {"uploadType", "keepRevisionForever", "useContentAsIndexableText", *_DRIVES}
    | {"ocrLanguage", "ignoreDefaultVisibility"},
    "_continue": {"uploadType", "upload_id"},
    "_grants": {"pageSize", "pageToken", *_DRIVES},
    "_grant": {"sendNotificationEmail", "emailMessage", "transferOwnership", *_DRIVES}
    | {"moveToNewOwnersRoot"},
    "_revoke": {*_DRIVES},
}
"""What each call may say in its address, besides what all may."""
WRITABLE = {
    "_create": {"id", "name", "mimeType", "description", "parents", "properties"}
    | {"appProperties", "createdTime", "modifiedTime", "starred", "originalFilename"},
    "_grant": {"role", "type", "emailAddress", "domain", "allowFileDiscovery", "expirationTime"},
}
"""What a body may hold."""
_ROUTES = (
    ("GET", r"/files", "_list", _READERS),
    ("GET", r"/files/generateIds", "_ids", _WRITERS),
    ("POST", r"/files", "_create", _WRITERS),
    ("PUT", r"/files", "_continue", _WRITERS),
    ("GET", r"/files/([^/]+)", "_one", _READERS),
    ("GET", r"/files/([^/]+)/export", "_export", _READERS),
    ("GET", r"/files/([^/]+)/permissions", "_grants", _READERS),
    ("POST", r"/files/([^/]+)/permissions", "_grant", _WRITERS),
    ("DELETE", r"/files/([^/]+)/permissions/([^/]+)", "_revoke", _WRITERS),
)
_PATH = re.compile(r"(/upload)?/drive/v3(/.+)")


@dataclass
class Upload:
    """A resumable upload that was begun."""

    meta: Body
    kind: str
    size: int | None
    held: bytes = b""
    made: File | None = None


class GoogleDriveServer(GoogleServer):
    """Google, as far as files need it."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self.now = now or (lambda: datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
        self.shelf = Shelf(lambda: self.now())
        self.uploads: dict[str, Upload] = {}
        self.mails: list[tuple[str, str, str]] = []
        """Who was told of a share: address, file, words."""
        self.takes: int | None = None
        """It keeps only so many bytes of the next chunk."""
        self.foreign: set[str] = set()
        """Domains with which the organisation lets nobody share."""

    async def _api(self, request: web.Request) -> web.StreamResponse:
        found = _PATH.fullmatch(request.raw_path.partition("?")[0])
        if not found:
            return await super()._api(request)
        is_upload, text = bool(found[1]), await request.read()
        route = next(
            (
                (name, match.groups(), scopes)
                for verb, pattern, name, scopes in _ROUTES
                if verb == request.method and (match := re.fullmatch(pattern, found[2]))
                if not is_upload or name in ("_create", "_continue")
            ),
            None,
        )
        if route is None:
            self.mistakes.append(f"{request.method} {request.path} is not played here")
        name, parts, scopes = route or ("", (), ())
        self._judge_query(request, name)

        def work() -> web.Response:
            if is_upload:
                answer = self._uploaded(request, text)
            else:
                body = read_json(text)
                self._judge_body(name, body)
                answer = getattr(self, name)(request, body, *map(unquote, parts))
            return answer if isinstance(answer, web.Response) else web.json_response(answer)

        return await self.serve(request, scopes, work)

    # --- judging -------------------------------------------------------------------------------

    def _judge_query(self, request: web.Request, name: str) -> None:
        known = QUERY.get(name, set()) | _COMMON
        self.mistakes += [
            f"{name}: no parameter {each}" for each in request.query if each not in known
        ]
        size = request.query.get("pageSize", "1")
        if not size.isdigit() or not 1 <= int(size) <= 1000:
            self.mistakes.append(f"pageSize {size} is not 1 to 1000")

    def _judge_body(self, name: str, body: Any) -> None:
        if name not in WRITABLE:
            if body is not None:
                self.mistakes.append(f"{name} takes no body")
            return
        if not isinstance(body, dict):
            raise Refused(400, "badRequest", "Bad Request")
        self.mistakes += [
            f"{name}: {each} is not written" for each in body if each not in WRITABLE[name]
        ]
        for field in ("properties", "appProperties"):
            for key, value in body.get(field, {}).items():
                if not isinstance(value, str) or len((key + value).encode()) > 124:
                    self.mistakes.append(f"{field}.{key} is more than 124 bytes, or no text")

    # --- reading -------------------------------------------------------------------------------

    def _file(self, request: web.Request, id_: str) -> File:
        file = self.shelf.files.get(id_)
        scopes = self.scopes_of(request)
        if file is None or not (file.app or scopes & {FULL, READ}):
            raise Refused(404, "notFound", f"File not found: {id_}.")
        return file

    def _list(self, request: web.Request, body: Any) -> Body:
        query = request.query
        sees_all = bool(self.scopes_of(request) & {FULL, READ})
        found = [file for file in self.shelf.found(query.get("q", "")) if file.app or sees_all]
        size, at = int(query.get("pageSize", "100")), int(query.get("pageToken", "0"))
        part = found[at : at + size]
        usual = "kind,incompleteSearch,nextPageToken,files(kind,id,name,mimeType)"
        told: Body = {"kind": "drive#fileList", "incompleteSearch": False}
        told["files"] = [self.shelf.shown(file) for file in part]
        if at + size < len(found):
            told["nextPageToken"] = str(at + size)
        for name in re.findall(r"files\(([^()]*)\)", query.get("fields", "")):
            chosen({}, name, FIELDS | {"*"}, "")
        known = {"kind", "incompleteSearch", "nextPageToken", "files"}
        return chosen(told, query.get("fields", ""), known, usual)

    def _ids(self, request: web.Request, body: Any) -> Body:
        made = [self.shelf.new_id() for _ in range(int(request.query.get("count", "10")))]
        self.shelf.ids.update(made)
        return {"kind": "drive#generatedIds", "space": "drive", "ids": made}

    def _one(self, request: web.Request, body: Any, id_: str) -> Any:
        file = self._file(request, id_)
        if request.query.get("alt") != "media":
            return self._told(request, file)
        if file.is_native:
            words = "Only files with binary content can be downloaded. Use Export with Docs Editors files."
            raise Refused(403, "fileNotDownloadable", words)
        return web.Response(body=file.held, content_type=file.kind)

    def _export(self, request: web.Request, body: Any, id_: str) -> web.Response:
        file = self._file(request, id_)
        if not file.is_native or file.kind == FOLDER:
            raise Refused(403, "fileNotExportable", "Export only supports Docs Editors files.")
        if len(file.held) > EXPORT:
            raise Refused(403, "exportSizeLimitExceeded", "This file is too large to be exported.")
        return web.Response(body=file.held, content_type=request.query["mimeType"])

    def _told(self, request: web.Request, file: File) -> Body:
        wanted = request.query.get("fields", "")
        return chosen(self.shelf.shown(file), wanted, FIELDS, "kind,id,name,mimeType")

    # --- making --------------------------------------------------------------------------------

    def _uploaded(self, request: web.Request, text: bytes) -> web.Response | Body:
        if request.method == "PUT":
            return self._continue(request, text)
        kind = request.query.get("uploadType")
        if kind == "multipart":
            meta, type_, held = related(request.headers.get("Content-Type", ""), text)
            self._judge_body("_create", meta)
            if len(held) > SMALL:
                self.mistakes.append("more than 5 MB are uploaded in pieces")
            return self._told(request, self._made(meta, held, type_))
        if kind == "media":
            return self._told(request, self._made({}, text, request.content_type))
        if kind != "resumable":
            raise Refused(400, "badRequest", "Unknown uploadType")
        meta = read_json(text) or {}
        self._judge_body("_create", meta)
        self._check_new(meta)
        size = request.headers.get("X-Upload-Content-Length")
        type_ = request.headers.get("X-Upload-Content-Type", "application/octet-stream")
        id_ = f"AEnB2{self.shelf.new_id()}"
        self.uploads[id_] = Upload(meta, type_, int(size) if size else None)
        where = f"{HOST}/upload/drive/v3/files?uploadType=resumable&upload_id={id_}"
        return web.Response(headers={"Location": where, "X-GUploader-UploadID": id_})

    def _continue(self, request: web.Request, text: bytes) -> web.Response | Body:
        upload = self.uploads.get(request.query.get("upload_id", ""))
        if upload is None:
            raise Refused(404, "notFound", "Not Found")
        if upload.made:
            return self._told(request, upload.made)
        range_ = request.headers.get("Content-Range", f"bytes 0-{len(text) - 1}/{len(text)}")
        asked = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", range_)
        if not asked:
            raise Refused(400, "badRequest", f"Invalid Content-Range {range_}")
        total = None if asked[3] == "*" else int(asked[3])
        if upload.size is not None and total not in (None, upload.size):
            self.mistakes.append(f"{total} bytes are not the {upload.size} that were announced")
        if asked[1] is not None:
            self._keep(upload, int(asked[1]), int(asked[2]), total, text)
        if len(upload.held) == (total if total is not None else -1):
            upload.made = self._made(upload.meta, upload.held, upload.kind)
            return self._told(request, upload.made)
        headers = {"Range": f"bytes=0-{len(upload.held) - 1}"} if upload.held else {}
        return web.Response(status=308, headers=headers)

    def _keep(self, upload: Upload, start: int, end: int, total: int | None, text: bytes) -> None:
        if end - start + 1 != len(text):
            self.mistakes.append(f"{start}-{end} are not {len(text)} bytes")
        if (total is None or end + 1 < total) and len(text) % CHUNK:
            self.mistakes.append("a chunk, but the last, is a multiple of 256 KiB")
        if start > len(upload.held):
            raise Refused(503, "backendError", "A piece is missing.")
        part = text if self.takes is None else text[: self.takes // CHUNK * CHUNK]
        self.takes = None
        upload.held = upload.held[:start] + part

    def _create(self, request: web.Request, body: Body) -> Body:
        return self._told(request, self._made(body, b"", "application/octet-stream"))

    def _check_new(self, meta: Body) -> None:
        id_ = meta.get("id")
        if id_ is not None and id_ not in self.shelf.ids:
            raise Refused(400, "invalid", "The provided file ID is not usable.")
        if id_ in self.shelf.files:
            raise Refused(409, "fileIdInUse", "A file already exists with the provided ID.")
        if id_ and str(meta.get("mimeType", "")).startswith("application/vnd.google-apps.document"):
            raise Refused(400, "invalid", "Generated IDs are not for documents of Google's own.")
        for parent in meta.get("parents", []):
            there = self.shelf.files.get(parent)
            if parent != "root" and (there is None or there.kind != FOLDER):
                raise Refused(404, "notFound", f"File not found: {parent}.")

    def _made(self, meta: Body, held: bytes, kind: str) -> File:
        self._check_new(meta)
        names = ("description", "properties", "appProperties")
        return self.shelf.put(
            meta.get("name", "Untitled"),
            held,
            meta.get("mimeType") or kind,
            id=meta.get("id") or self.shelf.new_id(),
            parents=meta.get("parents") or ["root"],
            app=True,
            more={name: meta[name] for name in names if name in meta},
        )

    # --- sharing -------------------------------------------------------------------------------

    def _grants(self, request: web.Request, body: Any, id_: str) -> Body:
        file = self._file(request, id_)
        if file.role not in ("owner", "writer"):
            raise Refused(403, "insufficientFilePermissions", "The user cannot see who has access.")
        wanted = request.query.get("fields", "")
        for names in re.findall(r"permissions\(([^()]*)\)", wanted):
            chosen({}, names, GRANT | {"*"}, "")
        told = {"kind": "drive#permissionList", "permissions": file.grants}
        usual = "kind,permissions(kind,id,type,role)"
        return chosen(told, wanted, {"kind", "permissions", "nextPageToken"}, usual)

    def _grant(self, request: web.Request, body: Body, id_: str) -> Body:
        file, query = self._file(request, id_), request.query
        kind, role = body.get("type"), body.get("role")
        if kind not in ("user", "group", "domain", "anyone") or role not in ROLES:
            raise Refused(400, "invalid", "The specified type or role is invalid.")
        if file.role not in ("owner", "writer"):
            words = "The user does not have sufficient permissions for this file."
            raise Refused(403, "insufficientFilePermissions", words)
        if role == "owner" and query.get("transferOwnership") != "true":
            raise Refused(403, "forbidden", "The transferOwnership parameter must be enabled.")
        who = {"anyone": "anyone", "domain": body.get("domain", "")}.get(kind)
        who = body.get("emailAddress", "") if who is None else who
        if kind in ("user", "group") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", who):
            raise Refused(400, "invalid", "The specified emailAddress is invalid.")
        if kind in ("domain", "anyone") and {"sendNotificationEmail", "emailMessage"} & set(query):
            self.mistakes.append("a notice goes to users and groups only")
        if who.rpartition("@")[2] in self.foreign or (kind == "anyone" and "*" in self.foreign):
            words = "The domain policy has disabled sharing outside."
            raise Refused(403, "cannotShareOutsideDomain", words)
        made: Body = {"kind": "drive#permission", "id": grant_id(who), "type": kind, "role": role}
        made |= {name: body[name] for name in ("emailAddress", "domain") if name in body}
        same = next((grant for grant in file.grants if grant["id"] == made["id"]), None)
        if same and ROLES.index(same["role"]) >= ROLES.index(role):
            made = same
        else:
            file.grants[:] = [grant for grant in file.grants if grant is not same] + [made]
        if kind in ("user", "group") and query.get("sendNotificationEmail") != "false":
            self.mails.append((who, file.id, query.get("emailMessage", "")))
        return chosen(made, query.get("fields", ""), GRANT, "kind,id,type,role")

    def _revoke(self, request: web.Request, body: Any, id_: str, grant: str) -> web.Response:
        file = self._file(request, id_)
        kept = [each for each in file.grants if each["id"] != grant]
        if len(kept) == len(file.grants):
            raise Refused(404, "notFound", f"Permission not found: {grant}.")
        if grant == grant_id(file.owner) or file.role not in ("owner", "writer"):
            raise Refused(403, "insufficientFilePermissions", OWNER)
        file.grants[:] = kept
        return web.Response(status=204)


def parts(meta: Body, kind: str, held: bytes, boundary: str = "b0undary") -> tuple[str, bytes]:
    """A multipart upload as a client writes it: the type of the whole, and its bytes."""
    first = (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps(meta)}"
    )
    second = f"\r\n--{boundary}\r\nContent-Type: {kind}\r\n\r\n"
    whole = first.encode() + second.encode() + held + f"\r\n--{boundary}--".encode()
    return f"multipart/related; boundary={boundary}", whole
