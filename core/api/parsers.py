"""Bodies as JSON, up to a size."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework import parsers
from rest_framework.exceptions import ParseError

from core.api.problems import Problem


class JSONParser(parsers.BaseParser):
    """JSON in UTF-8 of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes.

    The framework's own reads a body of any size into memory, and answers 500 to one that is nested
    a thousand times.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise Problem("too-large", f"A JSON body has at most {most:,} bytes.")
        try:
            data = json.loads(body.decode("utf-8"), parse_constant=_refuse)
            if b"\\u" in body:
                json.dumps(data, ensure_ascii=False).encode()
            return data
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8.") from error
        except UnicodeEncodeError as error:
            raise ParseError(
                "The body has half of a pair of \\u escapes, which is no text."
            ) from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {error}.") from error


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")
