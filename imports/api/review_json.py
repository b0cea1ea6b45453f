"""Reviews and dry runs of imports as JSON."""

from typing import Any

from rest_framework import serializers

from imports.api.serializers import ErrorJson, RowProblemJson
from imports.models import ImportJob
from imports.reviews.page import prospect_of, risks_now
from imports.reviews.risks import in_words


class ExampleJson(serializers.Serializer[Any]):
    """A row that would be refused."""

    line = serializers.IntegerField()
    problems = RowProblemJson(many=True)


class CountsJson(serializers.Serializer[Any]):
    """Rows by what would become of them."""

    read = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()


class ReviewCountsJson(serializers.Serializer[Any]):
    """Rows of a review by what they are; `missing` are products that the file does not have."""

    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    missing = serializers.IntegerField()


class RiskJson(serializers.Serializer[Any]):
    """Something that a person should look at."""

    code = serializers.CharField()
    count = serializers.IntegerField()
    message = serializers.CharField()


class OutcomeJson(serializers.Serializer[Any]):
    """What a commit would do now: rows, then products that the file does not have."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = serializers.IntegerField()
    left_out = serializers.IntegerField()
    conflicts = serializers.IntegerField()
    deactivated = serializers.IntegerField()
    deleted = serializers.IntegerField()
    missing_left_out = serializers.IntegerField()
    missing_conflicts = serializers.IntegerField()


class ReviewJson(serializers.Serializer[Any]):
    """A review: what was found, what is left out, and what a commit would do.

    `fields_changed` says in how many rows each changes. `missing_to_agree` is the number that a
    commit has to give as `missing_agreed`, null if it needs none.
    """

    counts = ReviewCountsJson()
    fields_changed = serializers.DictField(child=serializers.IntegerField())
    risks = RiskJson(many=True)
    left_out_classes = serializers.ListField(child=serializers.CharField())
    outcome = OutcomeJson()
    missing_to_agree = serializers.IntegerField(allow_null=True)


class PreviewJson(serializers.Serializer[Any]):
    """What an import would do now: counts and the first refused rows, or why none of it.

    Of an import that waits for its review, `review` has the rest.
    """

    counts = CountsJson(allow_null=True)
    rejected_rows = ExampleJson(many=True)
    refused = ErrorJson(allow_null=True)
    review = ReviewJson(required=False)


def show_review(job: ImportJob) -> dict[str, Any]:
    """The review of an import as ReviewJson has it."""
    prospect = prospect_of(job)
    return dict(
        ReviewJson(
            {
                "counts": job.reviewed,
                "fields_changed": job.reviewed["fields"],
                "risks": [{**risk, "message": in_words(risk)} for risk in risks_now(job, prospect)],
                "left_out_classes": job.left_out_classes,
                "outcome": prospect.outcome,
                "missing_to_agree": prospect.going if prospect.must_type else None,
            }
        ).data
    )
