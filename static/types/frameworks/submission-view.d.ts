export class SubmissionView extends JobView {
    /**
     * @param {ClientSource} source
     * @param {string} kind
     */
    constructor(source: ClientSource, kind: string);
    /**
     * Submits, and shows the job. While one has not been accepted, another call is the same submission: of a double click,
     * or of an effect that strict mode runs twice.
     *
     * @param {object} input
     * @param {SubmitOptions} [options]
     * @returns {Promise<string | null>} The token; null: it was refused, and the state's `error` says why. It rejects never:
     *   frameworks report what a handler's promise rejects with as a defect.
     * @throws {TypeError} Something in it has no form in JSON.
     */
    submit(input: object, options?: SubmitOptions): Promise<string | null>;
    #private;
}
import { JobView } from "./job-view.js";
import type { SubmitOptions } from "../tidings.js";
import type { ClientSource } from "./client-source.js";
