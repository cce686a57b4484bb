variable "project" {
  description = "Id of the Google Cloud project, which exists and has billing."
  type        = string
}

variable "region" {
  description = "Region of all resources; it needs Vertex AI Pipelines."
  type        = string
  default     = "europe-west1"
}

variable "name" {
  description = "Prefix of all names."
  type        = string
  default     = "books"
}

variable "keep_days" {
  description = "Days in which a replaced or deleted object of the data can be restored."
  type        = number
  default     = 90
}

variable "submitters" {
  description = "Members that may act as the submitter, such as user:ann@example.com or a CI's principalSet://…"
  type        = list(string)
  default     = []
}

variable "readers" {
  description = "Other members that may open MLflow, such as group:planning@example.com."
  type        = list(string)
  default     = []
}

variable "mlflow_image" {
  description = "Image built from mlflow.Dockerfile. Without it there is no MLflow server."
  type        = string
  default     = ""
}

variable "mlflow_database_tier" {
  description = "Machine of MLflow's database."
  type        = string
  default     = "db-f1-micro"
}

variable "mlflow_password_version" {
  description = "Raise it by one for a new password of MLflow's database."
  type        = number
  default     = 1
}

variable "serving_image" {
  description = "Image of the forecast service on Cloud Run, the one of the pipelines. Without it there is no service."
  type        = string
  default     = ""
}

variable "serving_min_instances" {
  description = "Instances of the forecast service that always run; with 0 the first request waits for a start."
  type        = number
  default     = 1
}

variable "serving_callers" {
  description = "Members that may call the forecast service, such as group:planning@example.com."
  type        = list(string)
  default     = []
}

variable "vertex_endpoint" {
  description = "Display name of an endpoint of Vertex AI, as kedro release deploy --endpoint takes it. Without it there is none."
  type        = string
  default     = ""
}
