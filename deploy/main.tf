# The resources of a weekly run on Vertex AI; docs/cloud.md has the order of commands.

terraform {
  required_version = ">= 1.11" # write-only arguments: no password in the state
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

resource "google_project_service" "this" {
  for_each = toset([
    "aiplatform.googleapis.com",
    "artifactregistry.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "sqladmin.googleapis.com",
    "storage.googleapis.com",
  ])
  service            = each.value
  disable_on_destroy = false
}

# data: exports and forecasts. zenml: artifacts of steps, logs, Vertex's own files.
# mlflow: files of runs and models.
resource "google_storage_bucket" "this" {
  for_each                    = toset(["data", "zenml", "mlflow"])
  name                        = "${var.project}-${var.name}-${each.value}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = each.value == "data"
  }

  lifecycle_rule {
    condition {
      days_since_noncurrent_time = var.keep_days
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"

  docker_config {
    immutable_tags = true # a tag identifies the code of a run, also for a rollback
  }

  depends_on = [google_project_service.this]
}

# pipeline: account of the steps. submitter: starts and schedules them, promotes and deploys
# releases. mlflow: its server. serving: the forecast service.
resource "google_service_account" "this" {
  for_each     = toset(["pipeline", "submitter", "mlflow", "serving"])
  account_id   = "${var.name}-${each.value}"
  display_name = "${var.name} ${each.value}"
  depends_on   = [google_project_service.this]
}

locals {
  member = { for key, account in google_service_account.this : key => account.member }

  bucket_roles = {
    pipeline-data    = { account = "pipeline", bucket = "data", role = "roles/storage.objectUser" }
    pipeline-zenml   = { account = "pipeline", bucket = "zenml", role = "roles/storage.objectUser" }
    serving-read     = { account = "serving", bucket = "data", role = "roles/storage.objectViewer" }
    serving-write    = { account = "serving", bucket = "data", role = "roles/storage.objectCreator" }
    submitter-data   = { account = "submitter", bucket = "data", role = "roles/storage.objectUser" }
    submitter-zenml  = { account = "submitter", bucket = "zenml", role = "roles/storage.objectUser" }
    submitter-bucket = { account = "submitter", bucket = "zenml", role = "roles/storage.legacyBucketReader" }
    mlflow-mlflow    = { account = "mlflow", bucket = "mlflow", role = "roles/storage.objectUser" }
  }

  project_roles = {
    pipeline-vertex  = { account = "pipeline", role = "roles/aiplatform.user" }
    pipeline-logs    = { account = "pipeline", role = "roles/logging.logWriter" }
    submitter-vertex = { account = "submitter", role = "roles/aiplatform.user" }
    submitter-logs   = { account = "submitter", role = "roles/logging.viewer" }
    submitter-run    = { account = "submitter", role = "roles/run.developer" }
    serving-logs     = { account = "serving", role = "roles/logging.logWriter" }
    mlflow-sql       = { account = "mlflow", role = "roles/cloudsql.client" }
    mlflow-logs      = { account = "mlflow", role = "roles/logging.logWriter" }
  }
}

resource "google_storage_bucket_iam_member" "this" {
  for_each = local.bucket_roles
  bucket   = google_storage_bucket.this[each.value.bucket].name
  role     = each.value.role
  member   = local.member[each.value.account]
}

resource "google_project_iam_member" "this" {
  for_each = local.project_roles
  project  = var.project
  role     = each.value.role
  member   = local.member[each.value.account]
}

resource "google_artifact_registry_repository_iam_member" "push" {
  repository = google_artifact_registry_repository.images.name
  location   = var.region
  role       = "roles/artifactregistry.writer"
  member     = local.member["submitter"]
}

# A job names the account of its steps; the submitter needs the right to act as it.
resource "google_service_account_iam_member" "submitter_as_pipeline" {
  service_account_id = google_service_account.this["pipeline"].name
  role               = "roles/iam.serviceAccountUser"
  member             = local.member["submitter"]
}

# No keys: people and CI impersonate the submitter.
resource "google_service_account_iam_member" "as_submitter" {
  for_each           = toset(var.submitters)
  service_account_id = google_service_account.this["submitter"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}
