# MLflow's server: Cloud Run, with its runs in Postgres and its files in a bucket. Google
# authenticates every caller, and callers need a role below. The server starts with a request and
# stops without requests; the database runs all the time.

locals {
  mlflow = var.mlflow_image == "" ? 0 : 1
  callers = merge(
    { for key in ["pipeline", "submitter"] : key => local.member[key] },
    { for reader in var.readers : reader => reader },
  )
}

# The password is stored in Secret Manager and the database only.
ephemeral "random_password" "mlflow" {
  length  = 40
  special = false
}

resource "google_sql_database_instance" "mlflow" {
  count               = local.mlflow
  name                = "${var.name}-mlflow"
  database_version    = "POSTGRES_17"
  region              = var.region
  deletion_protection = true

  settings {
    edition = "ENTERPRISE"
    tier    = var.mlflow_database_tier

    # An address without authorized networks: only Cloud SQL's own connector has access.
    ip_configuration {
      ipv4_enabled = true
      ssl_mode     = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_sql_database" "mlflow" {
  count    = local.mlflow
  name     = "mlflow"
  instance = google_sql_database_instance.mlflow[0].name
}

resource "google_sql_user" "mlflow" {
  count               = local.mlflow
  name                = "mlflow"
  instance            = google_sql_database_instance.mlflow[0].name
  password_wo         = ephemeral.random_password.mlflow.result
  password_wo_version = var.mlflow_password_version
}

resource "google_secret_manager_secret" "mlflow" {
  count     = local.mlflow
  secret_id = "${var.name}-mlflow-database"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_version" "mlflow" {
  count  = local.mlflow
  secret = google_secret_manager_secret.mlflow[0].id
  secret_data_wo = join("", [
    "postgresql+psycopg2://mlflow:", ephemeral.random_password.mlflow.result, "@/mlflow",
    "?host=/cloudsql/", google_sql_database_instance.mlflow[0].connection_name,
  ])
  secret_data_wo_version = var.mlflow_password_version
}

resource "google_secret_manager_secret_iam_member" "mlflow" {
  count     = local.mlflow
  secret_id = google_secret_manager_secret.mlflow[0].id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member["mlflow"]
}

resource "google_cloud_run_v2_service" "mlflow" {
  count    = local.mlflow
  name     = "${var.name}-mlflow"
  location = var.region
  ingress  = "INGRESS_TRAFFIC_ALL"

  template {
    service_account = google_service_account.this["mlflow"].email

    scaling {
      min_instance_count = 0
      max_instance_count = 2
    }

    containers {
      image = var.mlflow_image

      ports {
        container_port = 8080
      }

      resources {
        limits = {
          cpu    = "1"
          memory = "2Gi"
        }
      }

      env {
        name = "MLFLOW_BACKEND_STORE_URI"
        value_source {
          secret_key_ref {
            secret  = google_secret_manager_secret.mlflow[0].secret_id
            version = google_secret_manager_secret_version.mlflow[0].version
          }
        }
      }

      env {
        name  = "MLFLOW_ARTIFACTS_DESTINATION"
        value = "gs://${google_storage_bucket.this["mlflow"].name}"
      }

      # MLflow refuses requests to host names that are not in this list.
      env {
        name  = "MLFLOW_SERVER_ALLOWED_HOSTS"
        value = "*.run.app"
      }

      startup_probe {
        period_seconds    = 10
        failure_threshold = 24 # the first start creates the tables

        http_get {
          path = "/health"
        }
      }

      volume_mounts {
        name       = "cloudsql"
        mount_path = "/cloudsql"
      }
    }

    volumes {
      name = "cloudsql"

      cloud_sql_instance {
        instances = [google_sql_database_instance.mlflow[0].connection_name]
      }
    }
  }

  depends_on = [
    google_project_iam_member.this,
    google_secret_manager_secret_iam_member.mlflow,
    google_sql_database.mlflow,
    google_sql_user.mlflow,
  ]
}

resource "google_cloud_run_v2_service_iam_member" "mlflow" {
  for_each = { for key, member in local.callers : key => member if local.mlflow == 1 }
  name     = google_cloud_run_v2_service.mlflow[0].name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value
}
